/** Names under which Nest hands out what has no class of its own. */

export const CONFIGURATION = Symbol('Configuration');
