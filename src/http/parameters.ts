import type { z } from "zod";
import { Refusal, Refused } from "../errors";

/** The parameters of a URL. @throws Refused (BAD_USER_INPUT) that names the first at fault. */
export function parsed<T>(schema: z.ZodType<T>, query: unknown): T {
  const { data, error } = schema.safeParse(query);
  if (!error) return data;
  const issue = error.issues[0]!;
  const field = issue.code === "unrecognized_keys" ? issue.keys : issue.path.map(String);
  const message = `\`${field.join("`, `")}\`: ${issue.message}.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, field);
}
