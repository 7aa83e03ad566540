import { SignInMethod } from "../../entities/Session";

/** Whether a method is a second factor. */
export const isSecond = (method: SignInMethod) =>
  method === SignInMethod.TOTP || method === SignInMethod.RECOVERY_CODE;

/** A code without the space that apps show in its middle. */
export const bare = (code: string) => code.replace(/\s/g, "");

/** The method that a code belongs to: six digits are a code of the app. */
export function methodOf(code: string): SignInMethod {
  return /^\d{6}$/.test(bare(code)) ? SignInMethod.TOTP : SignInMethod.RECOVERY_CODE;
}
