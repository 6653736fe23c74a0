package sluice.demo.flags;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import java.util.Set;

/**
 * Reads the flags' JSON: {@code {"name": {"enabled": true, "rollout": 25, "groups": ["beta-users"]}}}.
 *
 * <p>Strict on purpose: a misspelt "rollout" that is passed over would mean everyone.
 */
final class FlagFormat {
    private static final TypeReference<Map<String, Entry>> ENTRIES = new TypeReference<>() {};

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    private FlagFormat() {}

    /** @throws MalformedFlags naming the flag or the place that is wrong */
    static FlagSet parse(String text) throws MalformedFlags {
        Map<String, Entry> entries = entriesOf(text);
        if (entries == null) {
            throw new MalformedFlags("the file says null");
        }
        FlagSet flags = FlagSet.of(entries.entrySet().stream().filter(entry -> isWhole(entry.getValue()))
                .map(entry -> entry.getValue().named(entry.getKey())).toList());
        if (flags.flags().size() < entries.size()) {
            throw new MalformedFlags("flag '" + firstBroken(entries)
                    + "' needs \"enabled\": true or false; a \"rollout\" is 0 to 100, \"groups\" have names");
        }
        return flags;
    }

    private static Map<String, Entry> entriesOf(String text) throws MalformedFlags {
        try {
            return JSON.readValue(text, ENTRIES);
        } catch (JsonProcessingException broken) {
            throw new MalformedFlags(broken.getOriginalMessage() + at(broken));
        }
    }

    private static String at(JsonProcessingException broken) {
        return broken.getLocation() == null
                ? ""
                : " (line " + broken.getLocation().getLineNr() + ", column " + broken.getLocation().getColumnNr() + ")";
    }

    private static String firstBroken(Map<String, Entry> entries) {
        return entries.entrySet().stream().filter(entry -> !isWhole(entry.getValue())).findFirst().orElseThrow()
                .getKey();
    }

    private static boolean isWhole(Entry entry) {
        return entry != null && entry.enabled != null
                && (entry.rollout == null || (entry.rollout >= 0 && entry.rollout <= 100))
                && (entry.groups == null || entry.groups.stream().noneMatch(FlagFormat::isNameless));
    }

    /** A caller without a group would be in it. */
    private static boolean isNameless(String group) {
        return group == null || group.isBlank();
    }

    /** The flags cannot be taken over; the message says why. */
    static final class MalformedFlags extends Exception {
        MalformedFlags(String why) {
            super(why);
        }
    }

    private record Entry(Boolean enabled, Integer rollout, Set<String> groups) {
        /** Without a rollout: everyone, or only the groups where some are named. */
        Flag named(String name) {
            Set<String> members = groups == null ? Set.of() : groups;
            int share = rollout != null ? rollout : members.isEmpty() ? 100 : 0;
            return new Flag(name, enabled, share, members);
        }
    }
}
