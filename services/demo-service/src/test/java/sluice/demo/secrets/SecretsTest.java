package sluice.demo.secrets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.InvalidDefinitionException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SecretsTest {
    private static final String VALUE = "must-stay-hidden";

    @Test
    void a_secret_is_revealed_to_the_one_who_asks_by_name() {
        assertThat(Secrets.from(Map.of("API_KEY", VALUE)).named("API_KEY").reveal()).isEqualTo(VALUE);
    }

    @Test
    void a_value_that_looks_like_a_placeholder_is_taken_as_it_is() {
        assertThat(Secrets.from(System.getenv()).named("API_KEY").reveal()).endsWith("${}");
    }

    @Test
    void text_shows_that_a_secret_is_there_but_not_which() {
        Secrets secrets = Secrets.from(Map.of("API_KEY", VALUE));

        assertThat(secrets).hasToString(
                "{DATABASE_URL=(not set), API_KEY=****, JWT_SECRET=(not set), OAUTH_CLIENT_SECRET=(not set)}");
    }

    @Test
    void json_cannot_carry_a_secret() {
        Secret secret = new Secret(VALUE);

        assertThatThrownBy(() -> new ObjectMapper().writeValueAsString(secret))
                .isInstanceOf(InvalidDefinitionException.class).hasMessageNotContaining(VALUE);
    }

    @Test
    void missing_and_blank_secrets_are_told_apart_from_those_that_came() {
        Secrets secrets = Secrets.from(Map.of("API_KEY", VALUE, "JWT_SECRET", " "));

        assertThat(secrets.present()).containsExactly("API_KEY");
        assertThat(secrets.missing()).containsExactly("DATABASE_URL", "JWT_SECRET", "OAUTH_CLIENT_SECRET");
    }

    @Test
    void only_the_four_secrets_can_be_asked_for() {
        Secrets secrets = Secrets.from(Map.of("PATH", "/bin"));

        assertThatThrownBy(() -> secrets.named("PATH")).isInstanceOf(IllegalArgumentException.class);
    }
}
