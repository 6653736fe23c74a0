package sluice.demo.flags;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureFlagsTest {
    private static final String ON = "{\"dark-mode\": {\"enabled\": true}}";
    private static final String OFF = "{\"dark-mode\": {\"enabled\": false}}";

    @TempDir
    private Path folder;

    private MountedConfigMap mounted;
    private SimpleMeterRegistry meters;
    private FeatureFlags flags;

    @BeforeEach
    void mount() throws IOException {
        mounted = new MountedConfigMap(folder, "flags.json");
        meters = new SimpleMeterRegistry();
        flags = new FeatureFlags(new FlagFile(mounted.file()), meters);
    }

    @Test
    void before_the_first_look_every_flag_is_off() {
        assertThat(on()).isEmpty();
    }

    @Test
    void a_swapped_configmap_changes_the_flags_at_the_next_look() throws IOException {
        mounted.swap(OFF);
        flags.reload();
        assertThat(on()).isEmpty();

        mounted.swap(ON);
        flags.reload();

        assertThat(on()).containsExactly("dark-mode");
    }

    @Test
    void an_unchanged_file_is_taken_over_once() throws IOException {
        mounted.swap(ON);
        flags.reload();
        mounted.swap(ON);
        flags.reload();

        assertThat(reloads("loaded")).isEqualTo(1);
    }

    @Test
    void malformed_flags_leave_the_last_good_ones_and_are_counted_once() throws IOException {
        mounted.swap(ON);
        flags.reload();

        mounted.swap("{\"dark-mode\": ");
        flags.reload();
        flags.reload();

        assertThat(on()).containsExactly("dark-mode");
        assertThat(reloads("refused")).isEqualTo(1);
    }

    @Test
    void mended_flags_are_taken_over_even_when_they_are_the_old_ones() throws IOException {
        mounted.swap(ON);
        flags.reload();
        mounted.swap("broken");
        flags.reload();

        mounted.swap(ON);
        flags.reload();

        assertThat(reloads("loaded")).isEqualTo(2);
    }

    @Test
    void a_file_that_is_gone_turns_every_flag_off() throws IOException {
        mounted.swap(ON);
        flags.reload();

        mounted.remove();
        flags.reload();

        assertThat(on()).isEmpty();
    }

    @Test
    void a_file_larger_than_any_configmap_is_refused() throws IOException {
        mounted.swap(ON);
        flags.reload();

        mounted.swap(ON + " ".repeat(1024 * 1024));
        flags.reload();

        assertThat(on()).containsExactly("dark-mode");
        assertThat(reloads("refused")).isEqualTo(1);
    }

    @Test
    void a_folder_in_place_of_the_file_is_refused() throws IOException {
        FeatureFlags misled = new FeatureFlags(new FlagFile(Files.createDirectory(folder.resolve("folder"))), meters);

        misled.reload();

        assertThat(reloads("refused")).isEqualTo(1);
    }

    private SortedSet<String> on() {
        return flags.onFor(new Caller("anyone", ""));
    }

    private double reloads(String result) {
        return meters.counter("feature.flags.reloads", "result", result).count();
    }
}
