/** An IPv4 address, or the /64 network of an IPv6 address, which one person usually has to themselves. */
export function networkOf(address: string): string {
  const v4 = /(?:\d+\.){3}\d+$/.exec(address)?.[0]
  if (v4 !== undefined || !address.includes(':')) return v4 ?? address
  const [head, tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = tail ? Array.from({ length: 8 - (head?.length ?? 0) - tail.length }, () => '0') : []
  const groups = [...(head ?? []), ...zeros, ...(tail ?? [])]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
