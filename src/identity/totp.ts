import { randomBytes } from "node:crypto";
import { toDataURL, toString } from "qrcode";
import { totp } from "speakeasy";
import { base32, RFC4648 } from "./base32";

/** RFC 4226, section 4: 160 bits, the length of a SHA-1 digest. */
const SECRET_BYTES = 20;
const STEP_SECONDS = 30;
/** Steps before and after now that are accepted: clocks differ, and people type slowly (RFC 6238, 5.2). */
const WINDOW = 1;

export function newTotpSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/**
 * The time step of a code, if it is at most one step from now; null for any other text. The calling
 * operation stores the step and accepts only a later one, so that each code works once.
 *
 * speakeasy would accept "1e5", " 12345" and an empty secret, so these are refused first.
 */
export function totpStep(secret: Buffer, code: string, now: Date): number | null {
  if (secret.length !== SECRET_BYTES) throw new Error("This is no secret of ours");
  if (!/^\d{6}$/.test(code)) return null;
  const time = Math.floor(now.getTime() / 1000);
  const found = totp.verifyDelta({
    secret: secret.toString("hex"),
    encoding: "hex",
    algorithm: "sha1",
    digits: 6,
    step: STEP_SECONDS,
    window: WINDOW,
    token: code,
    time,
  }) as { delta: number } | undefined;
  return found ? Math.floor(time / STEP_SECONDS) + found.delta : null;
}

/** What a user sets up their app with: a QR code to scan, a link to open, or a secret to type. */
export interface TotpSetup {
  /** https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
  otpauthUri: string;
  secret: string;
  qrSvg: string;
  qrPng: string;
}

export async function totpSetup(
  secret: Buffer,
  service: string,
  email: string,
): Promise<TotpSetup> {
  const secretText = base32(secret, (SECRET_BYTES * 8) / 5, RFC4648); // needs no padding
  // A colon separates the issuer from the account. Some apps refuse a second one, even if it is encoded.
  const issuer = service.replace(/\s*:\s*/g, " ").trim() || "Gatehouse";
  const label = [issuer, email].map(encodeURIComponent).join(":");
  const otpauthUri =
    `otpauth://totp/${label}?secret=${secretText}&issuer=${encodeURIComponent(issuer)}` +
    `&algorithm=SHA1&digits=6&period=${STEP_SECONDS}`;
  const [qrSvg, qrPng] = await Promise.all([
    toString(otpauthUri, { type: "svg" }),
    toDataURL(otpauthUri, { type: "image/png", scale: 4 }),
  ]);
  return { otpauthUri, secret: secretText, qrSvg, qrPng };
}
