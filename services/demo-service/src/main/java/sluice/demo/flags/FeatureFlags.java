package sluice.demo.flags;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.SortedSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sluice.demo.flags.FlagFile.Absent;
import sluice.demo.flags.FlagFile.Content;
import sluice.demo.flags.FlagFile.Reading;
import sluice.demo.flags.FlagFile.Unreadable;
import sluice.demo.flags.FlagFormat.MalformedFlags;

/**
 * The flags as the file last said them well.
 *
 * <p>A file that is gone means no flags; one that cannot be read or is malformed changes nothing, is logged once and
 * counted as {@code feature_flags_reloads_total{result="refused"}}.
 */
public final class FeatureFlags {
    private static final Logger log = LoggerFactory.getLogger(FeatureFlags.class);

    private final FlagFile file;
    private final MeterRegistry meters;
    private Reading last;
    private volatile FlagSet current = FlagSet.NONE;

    FeatureFlags(FlagFile file, MeterRegistry meters) {
        this.file = file;
        this.meters = meters;
    }

    /** The names of the flags that are on for this caller, in order. */
    public SortedSet<String> onFor(Caller caller) {
        return current.onFor(caller);
    }

    /** Looks at the file, and takes its flags over if they changed. */
    synchronized void reload() {
        Reading reading = file.read();
        if (reading.equals(last)) {
            return;
        }
        last = reading;
        switch (reading) {
            case Absent absent -> adopt(FlagSet.NONE);
            case Unreadable unreadable -> refuse(unreadable.why());
            case Content content -> adopt(content);
        }
    }

    private void adopt(Content content) {
        try {
            adopt(FlagFormat.parse(content.text()));
        } catch (MalformedFlags malformed) {
            refuse(malformed.getMessage());
        }
    }

    private void adopt(FlagSet flags) {
        current = flags;
        count("loaded");
        log.atInfo().addKeyValue("file", file).addKeyValue("flags", flags.summary()).log("feature flags loaded");
    }

    private void refuse(String why) {
        count("refused");
        log.atError().addKeyValue("file", file).addKeyValue("why", why).addKeyValue("kept", current.summary())
                .log("feature flags refused, the last good ones stay: mend the file, it is read again by itself");
    }

    private void count(String result) {
        meters.counter("feature.flags.reloads", "result", result).increment();
    }
}
