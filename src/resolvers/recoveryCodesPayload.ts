import { Field, ObjectType } from "type-graphql";
import { Authenticator } from "../entities/Authenticator";
import { Payload } from "./payload";

@ObjectType({
  description:
    "Codes to use in place of a code of the app. Each works once. Only this answer has them.",
})
export class RecoveryCodes {
  @Field(() => [String], { description: "The ten codes." })
  codes: string[];

  @Field(() => String, { description: "The codes as a text file to download and keep." })
  text: string;
}

@ObjectType()
export abstract class RecoveryCodesPayload extends Payload {
  @Field(() => Authenticator, { nullable: true, description: "Authenticator as it now is." })
  authenticator?: Authenticator;

  @Field(() => RecoveryCodes, { nullable: true, description: "New recovery codes." })
  recoveryCodes?: RecoveryCodes;
}
