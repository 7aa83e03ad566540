import type { Context } from "../../context/context";
import { Refused } from "../../errors";

/** Waits for a provider's answer, and reports a failure to the operator. */
export async function askProvider<T>(ctx: Context, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.cause) ctx.report(error.cause);
    throw error;
  }
}
