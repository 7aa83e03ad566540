import { Field, GraphQLISODateTime, ID, InputType } from "type-graphql";

@InputType()
export abstract class CreateCredentialInput {
  @Field(() => ID, { description: "ID of the account it is for." })
  accountId: string;

  @Field(() => ID, {
    nullable: true,
    description: "ID of the member or service user who owns it; you, where absent.",
  })
  ownerId?: string | null;

  @Field(() => String, { nullable: true, description: "What it is for. At most 255 bytes." })
  description?: string | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "When it expires; never, where absent.",
  })
  expiresAt?: Date | null;
}
