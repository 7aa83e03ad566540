import { z } from "zod";
import { Refusal, Refused } from "../../errors";
import { boundedText } from "./nameFrom";

/** An email address as it is kept: in lower case, without white space around it. */
export function emailFrom(text: string, field: string[]): string {
  const email = text.trim().toLowerCase();
  if (z.email().safeParse(email).success) return boundedText(email, field, 254);
  throw new Refused(Refusal.BAD_USER_INPUT, "This is no email address.", field);
}
