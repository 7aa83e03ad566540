import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { Account } from "../entities/Account";
import { Node } from "../entities/Node";
import { findNode } from "./findNode";

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description: "Any object by its ID; null where it does not exist, or you may not see it.",
  })
  node(
    @Arg("id", () => ID, { description: "ID of the object." }) id: string,
    @Ctx() ctx: Context,
  ): Promise<Node | null> {
    return findNode(ctx, id);
  }

  @Query(() => Account, {
    nullable: true,
    description: "Account by its ID; null where it does not exist, or you are not in it.",
  })
  account(
    @Arg("id", () => ID, { description: "ID of the account." }) id: string,
    @Ctx() ctx: Context,
  ): Promise<Account | null> {
    return findNode(ctx, id, "Account") as Promise<Account | null>;
  }
}
