import {
  ArgsType,
  type ClassType,
  Field,
  ID,
  Int,
  ObjectType,
  registerEnumType,
} from "type-graphql";
import type { Page } from "../context/loaders";
import { DEFAULT_PAGE, MAX_PAGE } from "../reads/filters";
import type { PageRange } from "../reads/relationKinds";

export enum Order {
  OLDEST_FIRST = "OLDEST_FIRST",
  NEWEST_FIRST = "NEWEST_FIRST",
}
registerEnumType(Order, {
  name: "Order",
  description: "Order of a list by age.",
  valuesConfig: {
    OLDEST_FIRST: { description: "From the oldest to the newest." },
    NEWEST_FIRST: { description: "From the newest to the oldest." },
  },
});

/** A part of a list, as the GraphQL Cursor Connections Specification asks for it. */
@ArgsType()
export class PageArgs implements PageRange {
  @Field(() => Int, {
    nullable: true,
    description: `How many to return from the beginning, from 1 to ${MAX_PAGE}; ${DEFAULT_PAGE} where neither \`first\` nor \`last\` is given.`,
  })
  first?: number | null;

  @Field(() => ID, { nullable: true, description: "The page begins after this cursor." })
  after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: `How many to return from the end, in the same order, from 1 to ${MAX_PAGE}; not together with \`first\`.`,
  })
  last?: number | null;

  @Field(() => ID, { nullable: true, description: "The page ends before this cursor." })
  before?: string | null;
}

@ArgsType()
export class OrderedPageArgs extends PageArgs {
  @Field(() => Order, {
    defaultValue: Order.OLDEST_FIRST,
    description: "Order of the list by age.",
  })
  order: Order;
}

@ObjectType({
  simpleResolvers: true,
  description: "Where a page begins and ends, and whether there is more beyond it.",
})
export class PageInfo {
  @Field(() => Boolean, {
    description:
      "Indicates whether more precede this page. With `last` they are looked up, from `after` on where it is given. Without `last` it says whether `after` is given: the row of that cursor precedes the page, unless it has left the list since.",
  })
  hasPreviousPage: boolean;

  @Field(() => Boolean, {
    description:
      "Indicates whether more follow this page. Without `last` they are looked up, up to `before` where it is given. With `last` it says whether `before` is given: the row of that cursor follows the page, unless it has left the list since.",
  })
  hasNextPage: boolean;

  @Field(() => ID, {
    nullable: true,
    description: "Cursor of the first edge, to pass as `before`; null for an empty page.",
  })
  startCursor: string | null;

  @Field(() => ID, {
    nullable: true,
    description: "Cursor of the last edge, to pass as `after`; null for an empty page.",
  })
  endCursor: string | null;
}

export interface Connection<E> {
  nodes: E[];
  edges: { cursor: string; node: E }[];
  pageInfo: PageInfo;
}

/** Declares the GraphQL types for a paged list of `node`. */
export function connectionOf<E extends object>(
  name: string,
  node: ClassType<E>,
): ClassType<Connection<E>> {
  @ObjectType(`${name}Edge`, {
    simpleResolvers: true,
    description: "A row of a list, with its cursor.",
  })
  class Edge {
    @Field(() => ID, { description: "Cursor of this edge." })
    cursor: string;
    @Field(() => node, { description: "The row." })
    node: E;
  }

  @ObjectType(`${name}Connection`, {
    simpleResolvers: true,
    description: "Part of a list that may be long.",
  })
  class NodeConnection implements Connection<E> {
    @Field(() => [node], { description: "The rows of this page." })
    nodes: E[];
    @Field(() => [Edge], { description: "The rows of this page, each with its cursor." })
    edges: Edge[];
    @Field(() => PageInfo, { description: "Where this page is in the list." })
    pageInfo: PageInfo;
  }
  return NodeConnection;
}

/** A page as the graph shows it. */
export function connection<E extends { id: string }>({ nodes, ...has }: Page<E>): Connection<E> {
  return {
    nodes,
    // Most ask for nodes alone.
    get edges() {
      return nodes.map((node) => ({ cursor: node.id, node }));
    },
    pageInfo: { ...has, startCursor: nodes[0]?.id ?? null, endCursor: nodes.at(-1)?.id ?? null },
  };
}
