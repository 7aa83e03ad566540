import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** A key with the name that what it sealed is kept under. */
export interface EncryptionKey {
  id: string;
  key: Buffer;
}

/** Something sealed, and the key that opens it. */
export interface Sealed {
  keyId: string;
  sealed: Buffer;
}

/**
 * Secrets that have to be read again, encrypted at rest by AES-256-GCM (NIST SP 800-38D): the first
 * key seals, any of them opens. What is sealed for one place opens in no other: `place` (a table
 * and a row's id) is authenticated with it, so that nobody who can write to the database puts one
 * person's secret into another's row.
 */
export class Keyring {
  private readonly keys: ReadonlyMap<string, Buffer>;
  readonly currentId: string;

  constructor(keys: readonly [EncryptionKey, ...EncryptionKey[]]) {
    this.currentId = keys[0].id;
    this.keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  has(keyId: string): boolean {
    return this.keys.has(keyId);
  }

  /** A random nonce, then the ciphertext, then the tag. */
  seal(secret: Buffer, place: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.keys.get(this.currentId)!, nonce);
    cipher.setAAD(Buffer.from(place));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return { keyId: this.currentId, sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]) };
  }

  /** @throws Error where the key is not configured any more, or it was sealed for another place. */
  open({ keyId, sealed }: Sealed, place: string): Buffer {
    const key = this.keys.get(keyId);
    if (!key) throw new Error(`The encryption key "${keyId}" is not configured`);
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(end));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
  }
}
