import { Ctx, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { regenerateRecoveryCodes } from "../../operations/authenticators/regenerateRecoveryCodes";
import { payload } from "../payload";
import { RecoveryCodesPayload } from "../recoveryCodesPayload";

@ObjectType({ description: "What `regenerateRecoveryCodes` answers." })
class RegenerateRecoveryCodesPayload extends RecoveryCodesPayload {}

@Resolver()
export class RegenerateRecoveryCodes {
  @Mutation(() => RegenerateRecoveryCodesPayload, {
    nullable: true,
    description:
      "Makes ten new recovery codes; those before are void. Takes a proof of the last 15 minutes.",
  })
  regenerateRecoveryCodes(@Ctx() ctx: Context): Promise<RegenerateRecoveryCodesPayload> {
    return payload(() => regenerateRecoveryCodes(ctx));
  }
}
