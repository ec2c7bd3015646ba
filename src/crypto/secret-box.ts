export interface SealedBox { protected: string; header: { alg: string; kid: string }; encrypted_key: string; iv: string; ciphertext: string; tag: string }
