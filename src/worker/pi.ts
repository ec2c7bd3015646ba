/** @module Digits of π. Blowfish, and so bcrypt, starts from them; the build replaces the tables of bcryptjs with this. */

/** The terms `from` to `to` of Chudnovsky's series, combined: products of the numerators and denominators, and the sum. */
function terms(from: bigint, to: bigint): [p: bigint, q: bigint, sum: bigint] {
  if (to - from > 1n) {
    const middle = (from + to) / 2n
    const [p, q, sum] = terms(from, middle)
    const [p2, q2, sum2] = terms(middle, to)
    return [p * p2, q * q2, q2 * sum + p * sum2]
  }
  const p = -(6n * to - 1n) * (6n * to - 5n) * (2n * to - 1n)
  return [p, to ** 3n * 10_939_058_860_032_000n, p * (545_140_134n * to + 13_591_409n)]
}

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(value.toString(16).length * 2)
  for (;;) {
    const next = (root + value / root) / 2n
    if (next >= root) return root
    root = next
  }
}

/** The first 32-bit words of the fraction of π. */
export function fractionOfPi(words: number): Int32Array {
  // A term yields 47 bits.
  const [, q, sum] = terms(0n, BigInt(Math.ceil((words * 32) / 47) + 2))
  // Rounding affects the last of these bits only.
  const spare = 64n
  const bits = BigInt(words) * 32n + spare
  const pi = (426_880n * q * squareRoot(10_005n << (2n * bits))) / (13_591_409n * q + sum)
  const digits = ((pi - (3n << bits)) >> spare).toString(16).padStart(words * 8, '0')
  return Int32Array.from({ length: words }, (_, index) =>
    Number.parseInt(digits.slice(index * 8, index * 8 + 8), 16),
  )
}
