package sluice.demo.flags;

import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** All flags of one reading of the file. */
record FlagSet(List<Flag> flags) {
    static final FlagSet NONE = new FlagSet(List.of());

    static FlagSet of(Collection<Flag> flags) {
        return new FlagSet(List.copyOf(flags));
    }

    SortedSet<String> onFor(Caller caller) {
        return flags.stream().filter(flag -> flag.isOnFor(caller)).map(Flag::name)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** For the log: "dark-mode=100% new-checkout-flow=off". */
    String summary() {
        return flags.stream().map(flag -> flag.name() + "=" + (flag.enabled() ? flag.rollout() + "%" : "off"))
                .sorted().collect(Collectors.joining(" "));
    }
}
