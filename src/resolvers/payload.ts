import { Field, ObjectType } from "type-graphql";
import { Refusal, Refused } from "../errors";

@ObjectType({ description: "Why a request was refused, in terms a person can act on." })
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
  @Field(() => [UserError], { description: "Empty when the mutation did what it was asked." })
  userErrors: UserError[];
}

/** Runs an operation and returns a refusal as data. Anything else thrown stays thrown. */
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
