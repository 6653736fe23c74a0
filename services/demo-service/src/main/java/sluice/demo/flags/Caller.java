package sluice.demo.flags;

/**
 * For whom a flag is looked up.
 *
 * @param name tells callers apart; the same name always gets the same flags
 * @param group the group the caller says it belongs to, empty for none
 */
public record Caller(String name, String group) {}
