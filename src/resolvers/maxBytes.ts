import { Extensions } from "type-graphql";

/**
 * Limits a text to so many bytes of UTF-8, instead of the 255 of every other text.
 * graphql/inputs.ts refuses longer ones before anything runs, with the limit in the error.
 *
 * TypeGraphQL drops it from fields that an input inherits: declare such a field in each input.
 */
export const MaxBytes = (maxBytes: number) => Extensions({ maxBytes });
