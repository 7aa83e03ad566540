import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { regenerateRecoveryCodes } from "../../operations/authenticators/regenerateRecoveryCodes";
import { MaxBytes } from "../maxBytes";
import { payload } from "../payload";
import { RecoveryCodesPayload } from "../recoveryCodesPayload";

@InputType({ description: "What `regenerateRecoveryCodes` takes." })
class RegenerateRecoveryCodesInput {
  @Field(() => String, { description: "Code of the app, or a recovery code." })
  @MaxBytes(64)
  code: string;
}

@ObjectType({ description: "What `regenerateRecoveryCodes` answers." })
class RegenerateRecoveryCodesPayload extends RecoveryCodesPayload {}

@Resolver()
export class RegenerateRecoveryCodes {
  @Mutation(() => RegenerateRecoveryCodesPayload, {
    nullable: true,
    description:
      "Makes ten new recovery codes, and voids the old ones. Takes a code of the second factor, and a " +
      "proof of the last 15 minutes.",
  })
  regenerateRecoveryCodes(
    @Arg("input", () => RegenerateRecoveryCodesInput, { description: "Input of the mutation." })
    { code }: RegenerateRecoveryCodesInput,
    @Ctx() ctx: Context,
  ): Promise<RegenerateRecoveryCodesPayload> {
    return payload(() => regenerateRecoveryCodes(ctx, code));
  }
}
