import { Field, ObjectType } from "type-graphql";
import { Refusal, Refused } from "../errors";

@ObjectType({ description: "Why a request was refused, and what to do." })
export class UserError {
  @Field(() => Refusal, { description: "Code of the error." })
  code: Refusal;

  @Field(() => String, { description: "Message of the error, in English." })
  message: string;

  @Field(() => [String], { nullable: true, description: "Path to the part of `input` at fault." })
  field: string[] | null;
}

@ObjectType()
export abstract class Payload {
  @Field(() => [UserError], {
    description: "Why the mutation was refused; empty when it succeeded.",
  })
  userErrors: UserError[];
}

/** Runs an operation and returns a refusal as data. It throws all other errors on. */
export async function payload<T extends object>(
  work: () => Promise<T>,
): Promise<Partial<T> & Payload> {
  try {
    return { userErrors: [], ...(await work()) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, message, field } = error;
    return { userErrors: [{ code, message, field }] } as Partial<T> & Payload;
  }
}
