import { Refusal, Refused } from "../../errors";
import { boundedText } from "./nameFrom";

/** Why the operator does it, as events tell it. @throws Refused (BAD_USER_INPUT). */
export function reasonFrom(text: string): string {
  const reason = text.trim();
  if (reason) return boundedText(reason, ["reason"], 1000);
  throw new Refused(Refusal.BAD_USER_INPUT, "Say why, in a few words.", ["reason"]);
}
