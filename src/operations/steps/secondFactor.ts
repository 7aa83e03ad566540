import { SignInMethod } from "../../entities/Session";

/** Whether a method shows that somebody has what only they have, besides what they know. */
export const isSecond = (method: SignInMethod) =>
  method === SignInMethod.TOTP || method === SignInMethod.RECOVERY_CODE;

/** Without the space that apps show in the middle. */
export const bare = (code: string) => code.replace(/\s/g, "");

/** What a code is, by how it looks: six digits are the app's. */
export function methodOf(code: string): SignInMethod {
  return /^\d{6}$/.test(bare(code)) ? SignInMethod.TOTP : SignInMethod.RECOVERY_CODE;
}
