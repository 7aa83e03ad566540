import { lineFrom } from "./lineFrom";

/** The operator's reason, for events and mails. @throws Refused (BAD_USER_INPUT). */
export function reasonFrom(text: string): string {
  return lineFrom(text, ["reason"], { maxBytes: 1000, empty: "Say why, in a few words." });
}
