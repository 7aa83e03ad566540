import { Field, ID, InterfaceType } from "type-graphql";

@InterfaceType({ description: "Anything with an ID of its own, which `node` finds again." })
export abstract class Node {
  @Field(() => ID)
  id: string;

  /** Name of the row's GraphQL type, where it isn't the entity's. */
  readonly typeName?: string;
}
