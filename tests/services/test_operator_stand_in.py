"""What our pods' annotations and our Instrumentation ask of the operator, and what of it is another on one machine."""

import pytest
from flux_tree import CLUSTERS, objects_of
from operator_stand_in import (
    LANGUAGES,
    MOUNTED_NODE,
    PREFIX,
    CannotInject,
    injections,
    mounted_java,
    on_this_machine,
)
from running_services import deployment, injection_of, own_environment, pod_of

from bot.sandbox.documents import Document, copy_of

POD = pod_of("demo-service")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_each_application_gets_its_own_language_and_nothing_else_is_touched(cluster: str) -> None:
    known = objects_of(cluster, "Instrumentation")
    found = {
        one["metadata"]["name"]: [(each.language, each.container) for each in injections(one, known, POD)]
        for one in objects_of(cluster, "Deployment", "StatefulSet")
    }

    assert found.pop("demo-service") == [("java", "demo-service")]
    assert found.pop("node-service") == [("nodejs", "node-service")]
    assert found.pop("sluice") == [("python", "sluice")]
    assert not any(found.values()), found


def test_a_pod_without_annotations_stays_as_it_is() -> None:
    plain = without_annotations()

    assert injections(plain, instrumentations(), POD) == []


@pytest.mark.parametrize("value", ["false", "False"])
def test_a_pod_that_says_no_stays_as_it_is(value: str) -> None:
    refusing = without_annotations(inject_java=value)

    assert injections(refusing, instrumentations(), POD) == []


@pytest.mark.parametrize(
    ("annotation", "mend"),
    [
        ("opentelemetry/another", "there is no Instrumentation opentelemetry/another"),
        ("opentelemetry-collector", "there is no Instrumentation demo-service/opentelemetry-collector"),
        ("true", "name one, as namespace/name"),
    ],
)
def test_an_instrumentation_that_is_not_there_is_named_with_the_mend(annotation: str, mend: str) -> None:
    with pytest.raises(CannotInject, match=mend):
        injections(without_annotations(inject_java=annotation), instrumentations(), POD)


def test_a_container_that_is_not_there_is_named_with_the_mend() -> None:
    wrong = without_annotations(inject_java="opentelemetry/opentelemetry-collector")
    wrong["spec"]["template"]["metadata"]["annotations"][f"{PREFIX}/container-names"] = "application"

    with pytest.raises(CannotInject, match=r"\['application'\]. Mend instrumentation.opentelemetry.io/container-names"):
        injections(wrong, instrumentations(), POD)


def test_what_stands_in_the_container_wins_over_the_instrumentation() -> None:
    own = copy_of(deployment("demo-service"))
    (container,) = own["spec"]["template"]["spec"]["containers"]
    container["env"] = [
        {"name": "OTEL_LOGS_EXPORTER", "value": "otlp"},
        {"name": "JAVA_TOOL_OPTIONS", "value": "-Xss1m"},
    ]

    (found,) = injections(own, instrumentations(), POD)

    assert "OTEL_LOGS_EXPORTER" not in found.environment
    assert found.environment["JAVA_TOOL_OPTIONS"] == f"-Xss1m -javaagent:{mounted_java('demo-service')}"


def test_every_setting_of_the_instrumentation_reaches_the_service() -> None:
    (instrumentation,) = instrumentations()
    spec = instrumentation["spec"]

    environment = injection_of("demo-service").environment

    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == spec["exporter"]["endpoint"]
    assert environment["OTEL_PROPAGATORS"].split(",") == spec["propagators"]
    assert environment["OTEL_TRACES_SAMPLER"] == spec["sampler"]["type"]
    assert {one["name"]: one["value"] for one in spec["env"]}.items() <= environment.items()
    assert {*spec} == {"exporter", "propagators", "sampler", "env", *LANGUAGES}, "a new part needs the stand-in's eye"


def test_spans_will_name_the_pod_and_the_version_that_sent_them() -> None:
    attributes = injection_of("demo-service").environment["OTEL_RESOURCE_ATTRIBUTES"].split(",")

    assert "k8s.namespace.name=demo-service" in attributes
    assert "k8s.deployment.name=demo-service" in attributes
    assert "k8s.pod.name=demo-service-6d4b75cb6d-hwx7f" in attributes
    assert f"service.version={own_environment('demo-service')['APP_VERSION']}" in attributes


@pytest.mark.parametrize(
    ("name", "there", "loads"),
    [
        ("demo-service", mounted_java("demo-service"), "JAVA_TOOL_OPTIONS"),
        ("node-service", MOUNTED_NODE, "NODE_OPTIONS"),
    ],
)
def test_on_this_machine_only_the_endpoint_and_the_mounted_path_are_others(name: str, there: str, loads: str) -> None:
    injected = injection_of(name).environment

    here = on_this_machine(injected, mounted={there: "/here"}, endpoint="http://127.0.0.1:1")

    assert {key for key in injected if injected[key] != here[key]} == {loads, "OTEL_EXPORTER_OTLP_ENDPOINT"}
    assert here[loads] == injected[loads].replace(there, "/here")


def instrumentations() -> list[Document]:
    """Those of the cluster that the services are started from."""
    return objects_of("production", "Instrumentation")


def without_annotations(inject_java: str | None = None) -> Document:
    """demo-service's Deployment with no annotation of the operator, or with this one alone."""
    found = copy_of(deployment("demo-service"))
    asked = {} if inject_java is None else {f"{PREFIX}/inject-java": inject_java}
    found["spec"]["template"]["metadata"]["annotations"] = asked
    return found
