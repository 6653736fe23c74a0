package sluice.demo.flags;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * One feature flag: once enabled, it is on for its groups and for a share of everyone else.
 *
 * @param rollout percent of callers, 0 to 100
 * @param groups whose callers have it on whatever the share
 */
record Flag(String name, boolean enabled, int rollout, Set<String> groups) {
    boolean isOnFor(Caller caller) {
        return enabled && (groups.contains(caller.group()) || bucketOf(caller) < rollout);
    }

    /** 0 to 99, the same in every replica and after every restart; a growing share never takes the flag from anyone. */
    private int bucketOf(Caller caller) {
        CRC32 checksum = new CRC32();
        checksum.update((name + "/" + caller.name()).getBytes(StandardCharsets.UTF_8));
        return (int) (checksum.getValue() % 100);
    }
}
