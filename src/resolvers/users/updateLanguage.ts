import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { updateLanguage } from "../../operations/users/updateLanguage";
import { Payload, payload } from "../payload";

@InputType({ description: "What `updateLanguage` takes." })
class UpdateLanguageInput {
  @Field(() => String, { description: "Language of mails to you from now on (BCP 47): `de`." })
  language: string;
}

@ObjectType({ description: "What `updateLanguage` answers." })
class UpdateLanguagePayload extends Payload {
  @Field(() => String, { nullable: true, description: "Language of mails to you from now on." })
  language?: string;
}

@Resolver()
export class UpdateLanguage {
  @Mutation(() => UpdateLanguagePayload, {
    nullable: true,
    description: "Changes the language of mails to you.",
  })
  updateLanguage(
    @Arg("input", () => UpdateLanguageInput, { description: "Input of the mutation." })
    { language }: UpdateLanguageInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateLanguagePayload> {
    return payload(async () => ({ language: await updateLanguage(ctx, language) }));
  }
}
