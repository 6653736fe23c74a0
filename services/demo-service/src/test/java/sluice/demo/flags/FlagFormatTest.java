package sluice.demo.flags;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sluice.demo.flags.FlagFormat.MalformedFlags;

class FlagFormatTest {
    @Test
    void reads_flags_as_the_configmap_holds_them() throws MalformedFlags {
        FlagSet flags = FlagFormat.parse("""
                {
                  "new-checkout-flow": {"enabled": true, "rollout": 25, "groups": ["beta-users"]},
                  "ai-recommendations": {"enabled": false, "rollout": 0},
                  "dark-mode": {"enabled": true, "rollout": 100}
                }""");

        assertThat(flags.flags()).containsExactlyInAnyOrder(
                new Flag("new-checkout-flow", true, 25, Set.of("beta-users")),
                new Flag("ai-recommendations", false, 0, Set.of()),
                new Flag("dark-mode", true, 100, Set.of()));
    }

    @Test
    void without_a_rollout_a_flag_is_for_its_groups_or_for_everyone() throws MalformedFlags {
        FlagSet flags = FlagFormat.parse("""
                {"for-all": {"enabled": true}, "for-some": {"enabled": true, "groups": ["beta-users"]}}""");

        assertThat(flags.onFor(new Caller("a", ""))).containsExactly("for-all");
        assertThat(flags.onFor(new Caller("a", "beta-users"))).containsExactly("for-all", "for-some");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{'a': {'enabled': true, 'rolout': 5}}         | rolout",
        "{'a': {'enabled': true, 'rollout': 101}}      | flag 'a' needs",
        "{'a': {'enabled': true, 'rollout': -1}}       | flag 'a' needs",
        "{'a': {'enabled': true, 'rollout': 2.5}}      | line 1",
        "{'a': {'enabled': true, 'rollout': '25'}}     | line 1",
        "{'a': {'enabled': 'yes'}}                     | line 1",
        "{'a': {}}                                     | flag 'a' needs",
        "{'a': null}                                   | flag 'a' needs",
        "{'a': {'enabled': true}, 'a': {'enabled': 1}} | Duplicate field 'a'",
        "{'a': {'enabled': true, 'groups': 'beta'}}    | line 1",
        "{'a': {'enabled': true, 'groups': [null]}}    | flag 'a' needs",
        "{'a': {'enabled': true, 'groups': ['']}}      | flag 'a' needs",
        "{'a': {'enabled': true}} trailing             | line 1",
        "{'a':                                         | line 1",
        "null                                          | null",
        "[]                                            | line 1",
        "``                                            | end-of-input",
    })
    void refuses_what_it_would_have_to_guess_and_says_where(String text, String why) {
        assertThatThrownBy(() -> FlagFormat.parse(text.replace('\'', '"')))
                .isInstanceOf(MalformedFlags.class).hasMessageContaining(why);
    }
}
