import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { confirmTotp } from "../../operations/authenticators/confirmTotp";
import { MaxBytes } from "../maxBytes";
import { payload } from "../payload";
import { RecoveryCodesPayload } from "../recoveryCodesPayload";

@InputType({ description: "What `confirmTotp` takes." })
class ConfirmTotpInput {
  @Field(() => String, { description: "Code that the app shows." })
  @MaxBytes(64)
  code: string;
}

@ObjectType({ description: "What `confirmTotp` answers." })
class ConfirmTotpPayload extends RecoveryCodesPayload {}

@Resolver()
export class ConfirmTotp {
  @Mutation(() => ConfirmTotpPayload, {
    nullable: true,
    description:
      "Turns the second factor on with a first code, and answers with ten recovery codes. " +
      "Takes a proof of the last 15 minutes.",
  })
  confirmTotp(
    @Arg("input", () => ConfirmTotpInput, { description: "Input of the mutation." })
    { code }: ConfirmTotpInput,
    @Ctx() ctx: Context,
  ): Promise<ConfirmTotpPayload> {
    return payload(() => confirmTotp(ctx, code));
  }
}
