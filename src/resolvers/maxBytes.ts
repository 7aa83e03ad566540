import { Extensions } from "type-graphql";

/**
 * Limits a text to so many bytes of UTF-8, instead of the 255 of every other text.
 * graphql/inputs.ts refuses longer ones before anything runs, with the limit in the error.
 *
 * TypeGraphQL drops it from fields that an input inherits: declare such a field in each input.
 */
export const MaxBytes = (maxBytes: number) => Extensions({ maxBytes });

/**
 * Of a password before it is normalised, which bounds its characters: 256 of them, each written in
 * parts, as a Hangul syllable may be, still fit.
 */
export const PASSWORD_BYTES = 4096;
