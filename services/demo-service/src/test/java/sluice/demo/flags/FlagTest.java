package sluice.demo.flags;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlagTest {
    private static final List<Caller> CALLERS =
            IntStream.range(0, 10_000).mapToObj(number -> new Caller("caller-" + number, "")).toList();

    @Test
    void a_disabled_flag_is_off_for_everyone_even_its_groups() {
        Flag flag = new Flag("dark-mode", false, 100, Set.of("beta-users"));

        assertThat(CALLERS).noneMatch(flag::isOnFor);
        assertThat(flag.isOnFor(new Caller("a", "beta-users"))).isFalse();
    }

    @Test
    void a_group_has_the_flag_before_anyone_else() {
        Flag flag = new Flag("dark-mode", true, 0, Set.of("beta-users"));

        assertThat(flag.isOnFor(new Caller("a", "beta-users"))).isTrue();
        assertThat(flag.isOnFor(new Caller("a", "others"))).isFalse();
        assertThat(CALLERS).noneMatch(flag::isOnFor);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 25, 50, 99, 100})
    void a_rollout_reaches_its_share_of_callers(int rollout) {
        Flag flag = new Flag("new-checkout-flow", true, rollout, Set.of());

        double share = 100.0 * CALLERS.stream().filter(flag::isOnFor).count() / CALLERS.size();

        assertThat(share).isBetween(rollout - 2.0, rollout + 2.0);
    }

    @Test
    void a_growing_rollout_takes_the_flag_from_nobody() {
        List<Flag> rollout = IntStream.rangeClosed(0, 100)
                .mapToObj(share -> new Flag("dark-mode", true, share, Set.of())).toList();

        assertThat(CALLERS.subList(0, 200)).allSatisfy(caller -> {
            List<Boolean> seen = rollout.stream().map(flag -> flag.isOnFor(caller)).toList();
            assertThat(seen).isSorted().first().isEqualTo(false);
            assertThat(seen).last().isEqualTo(true);
        });
    }

    @Test
    void two_flags_reach_different_callers() {
        Flag one = new Flag("dark-mode", true, 50, Set.of());
        Flag other = new Flag("new-checkout-flow", true, 50, Set.of());

        long both = CALLERS.stream().filter(one::isOnFor).filter(other::isOnFor).count();

        assertThat(both).isBetween(2_000L, 3_000L);
    }

    /** Another way to divide callers would move them all at the next release. */
    @Test
    void a_caller_stays_where_earlier_releases_put_them() {
        Flag flag = new Flag("warm-welcome", true, 53, Set.of());

        assertThat(CALLERS.subList(0, 10).stream().filter(flag::isOnFor).map(Caller::name))
                .containsExactly("caller-2", "caller-5", "caller-6", "caller-9");
        assertThat(new Flag("warm-welcome", true, 94, Set.of()).isOnFor(new Caller("World", ""))).isFalse();
        assertThat(new Flag("warm-welcome", true, 95, Set.of()).isOnFor(new Caller("World", ""))).isTrue();
    }
}
