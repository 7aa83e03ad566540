import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** A key, and the name that is stored with each secret that it has encrypted. */
export interface EncryptionKey {
  id: string;
  key: Buffer;
}

/** An encrypted secret, and the name of the key that decrypts it. */
export interface Sealed {
  keyId: string;
  sealed: Buffer;
}

/**
 * Encrypts secrets that have to be read again, by AES-256-GCM (NIST SP 800-38D). The first key encrypts,
 * and every key decrypts what it has encrypted. `place` (a table and a row's ID) is authenticated with the
 * secret: an attacker who can write to the database can't move a secret to the row of another user.
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

  /** Encrypts a secret. The result is a random nonce, the ciphertext and the tag. */
  seal(secret: Buffer, place: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.keys.get(this.currentId)!, nonce);
    cipher.setAAD(Buffer.from(place));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return { keyId: this.currentId, sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]) };
  }

  /** Decrypts a secret. @throws Error where the key is not configured, or the place is another one. */
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
