import { Field, ID, InterfaceType } from "type-graphql";

@InterfaceType({ description: "An object with an ID, by which `node` finds it." })
export abstract class Node {
  @Field(() => ID)
  id: string;

  /** Name of the row's GraphQL type, where it isn't the entity's. */
  readonly typeName?: string;
}
