import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { Account } from "../entities/Account";
import { Node } from "../entities/Node";
import { findNode } from "./findNode";

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description: "Anything by its ID; null when it is absent, or not yours to see.",
  })
  node(
    @Arg("id", () => ID, { description: "ID of what to find." }) id: string,
    @Ctx() ctx: Context,
  ): Promise<Node | null> {
    return findNode(ctx, id);
  }

  @Query(() => Account, {
    nullable: true,
    description: "Account by its ID; null when it is absent, or you are not in it.",
  })
  account(
    @Arg("id", () => ID, { description: "ID of the account." }) id: string,
    @Ctx() ctx: Context,
  ): Promise<Account | null> {
    return findNode(ctx, id, "Account") as Promise<Account | null>;
  }
}
