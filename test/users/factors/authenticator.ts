/** @module An authenticator in software: creates and uses passkeys as browsers do, and lies if a test asks it to. */
import { createHash, randomBytes } from 'node:crypto'

type CborValue = string | number | Uint8Array | Map<string | number, CborValue>

/** The part of CBOR (RFC 8949) that authenticators use: integers, bytes, text and maps. */
export function cbor(value: CborValue): Buffer {
  const head = (major: number, count: number) =>
    count < 24
      ? Buffer.from([(major << 5) | count])
      : count < 256
        ? Buffer.from([(major << 5) | 24, count])
        : Buffer.from([(major << 5) | 25, count >> 8, count & 255])
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  const entries = [...value].flatMap(([key, each]) => [cbor(key), cbor(each)])
  return Buffer.concat([head(5, value.size), ...entries])
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest()
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

/** What to get wrong. */
export interface Lies {
  origin?: string
  rpId?: string
  challenge?: string
  type?: string
  /** Without the user-verification flag. */
  isUnverified?: boolean
  userHandle?: string
  /** Leaves the counter as it is. */
  isCopied?: boolean
  fmt?: string
}

interface Options {
  challenge: string
  rpId?: string
  rp?: { id: string }
  user?: { id: string }
}

const flags = { present: 1, verified: 4, attested: 64 }

export class Authenticator {
  readonly #origin: string
  readonly #credentialId = randomBytes(32)
  #keys: CryptoKeyPair | undefined
  #userHandle = ''
  #counter: number

  /** @param counter null: does not count */
  constructor(origin: string, counter: number | null = 1) {
    this.#origin = origin
    this.#counter = counter ?? -1
  }

  get id(): string {
    return base64url(this.#credentialId)
  }

  #authenticatorData(rpId: string, { isUnverified, isCopied }: Lies, attested = Buffer.alloc(0)): Buffer {
    if (this.#counter >= 0 && !isCopied) this.#counter += 1
    const bits =
      flags.present | (isUnverified ? 0 : flags.verified) | (attested.length > 0 ? flags.attested : 0)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(Math.max(this.#counter, 0))
    return Buffer.concat([sha256(rpId), Buffer.from([bits]), count, attested])
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? challenge,
        origin: lies.origin ?? this.#origin,
        crossOrigin: false,
      }),
    )
  }

  /** As `navigator.credentials.create()` and `toJSON()`. */
  async create({ challenge, rp, user }: Options, lies: Lies = {}) {
    this.#keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])
    const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', this.#keys.publicKey)
    this.#userHandle = user?.id ?? ''
    const coseKey = new Map<number, CborValue>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ])
    const length = Buffer.from([0, this.#credentialId.length])
    const attested = Buffer.concat([Buffer.alloc(16), length, this.#credentialId, cbor(coseKey)])
    const authData = this.#authenticatorData(lies.rpId ?? rp?.id ?? '', lies, attested)
    const attestationObject = new Map<string, CborValue>([
      ['fmt', lies.fmt ?? 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ])
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
      response: {
        clientDataJSON: base64url(this.#clientData('webauthn.create', challenge, lies)),
        attestationObject: base64url(cbor(attestationObject)),
        transports: ['internal'],
      },
    }
  }

  /** As `navigator.credentials.get()` and `toJSON()`. */
  async get({ challenge, rpId }: Options, lies: Lies = {}) {
    if (!this.#keys) throw new Error('The authenticator has no passkey')
    const authenticatorData = this.#authenticatorData(lies.rpId ?? rpId ?? '', lies)
    const clientDataJSON = this.#clientData('webauthn.get', challenge, lies)
    const raw = new Uint8Array(
      await crypto.subtle.sign(
        { name: 'ECDSA', hash: 'SHA-256' },
        this.#keys.privateKey,
        Buffer.concat([authenticatorData, sha256(clientDataJSON)]),
      ),
    )
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
      response: {
        clientDataJSON: base64url(clientDataJSON),
        authenticatorData: base64url(authenticatorData),
        signature: base64url(der(raw.subarray(0, 32), raw.subarray(32))),
        userHandle: lies.userHandle ?? this.#userHandle,
      },
    }
  }
}

/** An ECDSA signature as ASN.1 (RFC 3279 §2.2.3). */
function der(...numbers: Uint8Array[]): Buffer {
  const parts = numbers.map((bytes) => {
    let start = 0
    while (start < bytes.length - 1 && bytes[start] === 0) start += 1
    const digits = bytes.subarray(start)
    const value = (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : Buffer.from(digits)
    return Buffer.concat([Buffer.from([2, value.length]), value])
  })
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}
