import { Ctx, FieldResolver, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { IPRestriction } from "../entities/IPRestriction";
import { IPRule } from "../entities/IPRule";
import { relations } from "../reads/relations";
import { resolveList } from "./resolveRelations";

@Resolver(() => IPRestriction)
export class IPRestrictionResolver {
  @FieldResolver(() => [IPRule], { description: "Rules of the restriction, in order." })
  rules(@Root() restriction: IPRestriction, @Ctx() ctx: Context): Promise<IPRule[]> {
    return resolveList(relations.IPRestriction.rules, ctx, restriction);
  }
}
