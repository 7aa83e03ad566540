import { Ctx, FieldResolver, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { Invitation } from "../entities/Invitation";
import { Membership } from "../entities/Membership";
import { relations } from "../reads/relations";
import { resolveOne } from "./resolveRelations";
import { MemberRoles } from "./memberRoles";

@Resolver(() => Invitation)
export class InvitationResolver {
  @FieldResolver(() => MemberRoles, { description: "Roles that the person would have." })
  roles(@Root() invitation: Invitation): MemberRoles {
    return invitation;
  }

  @FieldResolver(() => Membership, {
    nullable: true,
    description: "Member who invited; null once they have left the account.",
  })
  inviter(@Root() invitation: Invitation, @Ctx() ctx: Context): Promise<Membership | null> {
    return resolveOne(relations.Invitation.inviter, ctx, invitation);
  }
}
