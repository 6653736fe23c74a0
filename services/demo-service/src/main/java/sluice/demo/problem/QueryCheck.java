package sluice.demo.problem;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;
import org.apache.catalina.Globals;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** A query that Tomcat would mend by itself, dropping or joining values, is refused instead. */
@Configuration(proxyBeanMethods = false)
class QueryCheck implements WebMvcConfigurer, HandlerInterceptor {
    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/api/**");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Map<String, String[]> parameters = request.getParameterMap();
        if (request.getAttribute(Globals.PARAMETER_PARSE_FAILED_ATTR) != null) {
            throw invalidQuery("Part of it cannot be decoded.");
        }
        if (parameters.values().stream().anyMatch(values -> values.length > 1)) {
            throw invalidQuery("It gives a parameter more than once.");
        }
        return true;
    }

    private static Refusal invalidQuery(String why) {
        return new Refusal(Problem.badRequest(
                "invalid-query", "The query cannot be read.", why,
                "Send each parameter once, percent-encoded as UTF-8."));
    }
}
