import type { Context } from "../../context/context";
import { Refused } from "../../errors";

/** What a provider answers, whose failures the operator is told of. */
export async function askProvider<T>(ctx: Context, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.cause) ctx.report(error.cause);
    throw error;
  }
}
