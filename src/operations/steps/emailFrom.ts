import { Refusal, Refused } from "../../errors";
import { emailOf } from "../../identity/emails";

/** An email address as it is stored (`emailOf`). @throws Refused (BAD_USER_INPUT) for any other text. */
export function emailFrom(text: string, field: string[]): string {
  const email = emailOf(text);
  if (email) return email;
  const message = "This is not an email address. Enter one such as ada@example.com.";
  throw new Refused(Refusal.BAD_USER_INPUT, message, field);
}
