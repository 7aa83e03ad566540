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

export enum Order {
  OLDEST_FIRST = "OLDEST_FIRST",
  NEWEST_FIRST = "NEWEST_FIRST",
}
registerEnumType(Order, {
  name: "Order",
  description: "Which end of a list comes first.",
  valuesConfig: {
    OLDEST_FIRST: { description: "As they were made." },
    NEWEST_FIRST: { description: "The latest first." },
  },
});

@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 50, description: "How many to return, from 1 to 100." })
  first: number;

  @Field(() => ID, { nullable: true, description: "Cursor to start after." })
  after?: string | null;
}

@ArgsType()
export class OrderedPageArgs extends PageArgs {
  @Field(() => Order, { defaultValue: Order.OLDEST_FIRST, description: "Which end comes first." })
  order: Order;
}

@ObjectType({ simpleResolvers: true, description: "Where a page ends, and whether more follow." })
export class PageInfo {
  @Field(() => Boolean, { description: "Indicates whether more follow this page." })
  hasNextPage: boolean;

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
    description: "A place in the list, and what is there.",
  })
  class Edge {
    @Field(() => ID, { description: "Cursor of this edge." })
    cursor: string;
    @Field(() => node, { description: "What is there." })
    node: E;
  }

  @ObjectType(`${name}Connection`, {
    simpleResolvers: true,
    description: "Part of a list that may be long.",
  })
  class NodeConnection implements Connection<E> {
    @Field(() => [node], { description: "What is on this page." })
    nodes: E[];
    @Field(() => [Edge], { description: "The same with a cursor each." })
    edges: Edge[];
    @Field(() => PageInfo, { description: "Where this page ends." })
    pageInfo: PageInfo;
  }
  return NodeConnection;
}

/** A page as the graph shows it. */
export function connection<E extends { id: string }>({
  nodes,
  hasNextPage,
}: Page<E>): Connection<E> {
  return {
    nodes,
    // Most ask for nodes alone.
    get edges() {
      return nodes.map((node) => ({ cursor: node.id, node }));
    },
    pageInfo: { hasNextPage, endCursor: nodes.at(-1)?.id ?? null },
  };
}
