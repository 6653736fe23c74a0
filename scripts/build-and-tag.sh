#!/usr/bin/env bash
# Builds the images of the services from one commit, with that commit in their labels, and pushes them if asked to.
# A version is built once: nothing is pulled, tagged again or pushed over. Promotion is Sluice's work, by digest.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/build-and-tag.sh [-v VERSION] [-s SERVICE]... [-r REGISTRY] [-o OWNER] [-p]

  -v VERSION   1.2.3 or 1.2.3-rc1. Left out: the tag v1.2.3 of this commit, or else the next patch as a development
               version that names the commit, as 1.2.4-dev.5.g1a2b3c4d
  -s SERVICE   demo-service, node-service or sluice; may be repeated. Left out: both services
  -r REGISTRY  host of the registry, as registry.example.com. Left out: docker.io, where -o is given
  -o OWNER     group or user in the registry: REGISTRY/OWNER/SERVICE:VERSION
  -p           push, and print each image with its digest

ENGINE=docker, podman or buildah chooses the engine. Left out: the first of them that answers. Base images are named
as Docker names them: podman and buildah need unqualified-search-registries in their registries.conf.
USAGE
}

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "build-and-tag: $1"
    exit "${2:-1}"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version='' registry='' owner='' push=''
services=()

[ "${1:-}" != --help ] || { usage && exit 0; }
while getopts ':v:s:r:o:ph' option; do
    case $option in
        v) version=$OPTARG ;;
        s) services+=("$OPTARG") ;;
        r) registry=$OPTARG ;;
        o) owner=$OPTARG ;;
        p) push=yes ;;
        h) usage && exit 0 ;;
        :) usage >&2 && fail "-$OPTARG needs a value." 2 ;;
        *) usage >&2 && fail "-$OPTARG is no option of this script." 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || { usage >&2 && fail "'$1' is too much: a service is named with -s." 2; }
[ ${#services[@]} -gt 0 ] || services=(demo-service node-service)

context_of() {
    case $1 in
        demo-service | node-service) printf '%s/services/%s' "$root" "$1" ;;
        sluice) printf '%s' "$root" ;;
        *) fail "there is no service '$1'. Name demo-service, node-service or sluice." 2 ;;
    esac
}

# Semantic versioning 2.0.0; no build part, because '+' cannot stand in a tag.
number='(0|[1-9][0-9]*)'
identifier='(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)'
semantic="^$number\.$number\.$number(-$identifier(\.$identifier)*)?\$"

check_version() {
    [[ $version =~ $semantic ]] ||
        fail "'$version' is no version. Write it as 1.2.3 or 1.2.3-rc1, without a leading v or a part after '+'." 2
    case $version in
        *-staging | *-preprod | *-prod)
            fail "'$version' is what a promotion calls an image that was built before. Build ${version%-*}; Sluice places the rest." 2 ;;
    esac
    local tagged
    tagged=$(git -C "$root" rev-parse --quiet --verify "refs/tags/v$version^{commit}") || return 0
    [ "$tagged" = "$commit" ] ||
        fail "v$version is the tag of ${tagged:0:12}, and this is ${commit:0:12}: two commits would have one version. Check out v$version, or take the next version."
}

released_here() {
    local tag
    git -C "$root" tag --points-at HEAD --list 'v[0-9]*' | while read -r tag; do
        if [[ ${tag#v} =~ $semantic ]]; then printf '%s\n' "${tag#v}"; fi
    done
}

# From the newest plain release that this commit contains. Lower than the next patch, so it never passes for a release.
development_version() {
    local last count tag
    while read -r tag; do
        [[ ${tag#v} =~ ^$number\.$number\.$number$ ]] && last=${tag#v} && break
    done < <(git -C "$root" tag --merged HEAD --list 'v[0-9]*' --sort=-version:refname)
    if [ -n "${last:-}" ]; then
        count=$(git -C "$root" rev-list --count "v$last..HEAD")
        printf '%s.%d-dev.%s.g%s' "${last%.*}" "$((${last##*.} + 1))" "$count" "${commit:0:8}"
    else
        count=$(git -C "$root" rev-list --count HEAD)
        printf '0.0.0-dev.%s.g%s' "$count" "${commit:0:8}"
    fi
}

automatic_version() {
    local found=() one
    while read -r one; do found+=("$one"); done < <(released_here)
    case ${#found[@]} in
        0) version=$(development_version) ;;
        1) version=${found[0]} ;;
        *) fail "this commit has the versions ${found[*]}. Say which one with -v." 2 ;;
    esac
    say "version $version"
}

check_clean() {
    local changed
    changed=$(git -C "$root" status --porcelain -- "$@")
    [ -z "$changed" ] ||
        fail "what stands here is not what commit ${commit:0:12} says, and the label would name that commit:
$changed
Commit this, or put it aside with git stash."
}

answers() {
    command -v "$1" >/dev/null || return 1
    [ "$1" != docker ] || docker info >/dev/null 2>&1
}

choose_engine() {
    local one
    if [ -n "${ENGINE:-}" ]; then
        case $ENGINE in docker | podman | buildah) ;; *) fail "ENGINE is '$ENGINE'. Name docker, podman or buildah." 2 ;; esac
        answers "$ENGINE" || fail "ENGINE is $ENGINE, and it does not answer. Start it, or leave ENGINE out."
        engine=$ENGINE
        return
    fi
    for one in docker podman buildah; do
        if answers "$one"; then engine=$one && return; fi
    done
    fail "no engine answers: docker (with its daemon), podman and buildah were tried. Install or start one of them."
}

# Where the code is to be found, without anybody's password.
source_url() {
    local url
    url=${CI_PROJECT_URL:-$(git -C "$root" remote get-url origin 2>/dev/null || true)}
    [[ $url =~ ^(ssh://)?([^@/]+@)([^:/]+)(:[0-9]+/|[:/])(.+)$ ]] && url=https://${BASH_REMATCH[3]}/${BASH_REMATCH[5]}
    [[ $url =~ ^(https?://)([^@/]*@)?(.+)$ ]] || return 0
    url=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    printf '%s' "${url%.git}"
}

is_there() {
    if command -v crane >/dev/null; then
        crane manifest "$1" >/dev/null 2>&1
    elif command -v skopeo >/dev/null; then
        skopeo inspect --raw "docker://$1" >/dev/null 2>&1
    elif [ "$engine" = docker ]; then
        docker manifest inspect "$1" >/dev/null 2>&1
    else
        say "nothing here can look whether $1 exists (crane, skopeo). Let the registry refuse to overwrite tags."
        return 1
    fi
}

build() {
    local service=$1 context
    context=$(context_of "$service")
    local arguments=(--label "org.opencontainers.image.revision=$commit" --label "org.opencontainers.image.version=$version")
    [ -z "$source" ] || arguments+=(--label "org.opencontainers.image.source=$source")
    [ "$engine" != buildah ] || arguments+=(--layers)
    say "building $(image_of "$service") with $engine"
    "$engine" build "${arguments[@]}" --tag "$(image_of "$service")" "$context" >&2 ||
        fail "$engine could not build $service; what it says stands above. Nothing was pushed."
}

image_of() { printf '%s%s:%s' "$prefix" "$1" "$version"; }

push() {
    local image=$1 digest
    say "pushing $image"
    if [ "$engine" = docker ]; then
        docker push "$image" | tee "$work/pushed" >&2 || fail "docker could not push $image; what it says stands above. Log in, or mend the name."
        digest=$(sed -n 's/^.*: digest: \(sha256:[0-9a-f]\{64\}\) .*$/\1/p' "$work/pushed" | tail -n 1)
    else
        "$engine" push --digestfile "$work/digest" "$image" >&2 || fail "$engine could not push $image; what it says stands above. Log in, or mend the name."
        digest=$(cat "$work/digest")
    fi
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] ||
        fail "$image was pushed, but $engine named no digest. Ask the registry (crane digest $image)."
    printf '%s@%s\n' "$image" "$digest"
}

commit=$(git -C "$root" rev-parse --quiet --verify 'HEAD^{commit}') ||
    fail "$root is not a Git checkout with a commit, so nobody could say what the image was built from. Clone the repository."
[ -n "$push" ] && [ -z "$owner" ] && fail "-p needs -o: which group or user in the registry the images belong to." 2
[ -n "$registry" ] && [ -z "$owner" ] && fail "-r needs -o: which group or user in $registry the images belong to." 2
[[ -z $registry || $registry =~ ^[A-Za-z0-9.-]+(:[0-9]+)?$ ]] ||
    fail "'$registry' is no registry. Write the host alone, as registry.example.com or localhost:5000; groups belong to -o." 2
[[ -z $owner || $owner =~ ^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$ ]] ||
    fail "'$owner' cannot stand in an image's name. Write it in lower case, as demo or group/subgroup." 2
prefix=${owner:+${registry:-docker.io}/$owner/}

contexts=()
for service in "${services[@]}"; do
    contexts+=("$(context_of "$service")")
done
if [ -n "$version" ]; then check_version; else automatic_version; fi
check_clean "${contexts[@]}"
choose_engine
source=$(source_url)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -n "$push" ]; then
    for service in "${services[@]}"; do
        if is_there "$(image_of "$service")"; then
            fail "$(image_of "$service") is in the registry already, and a version means one image for ever. Take the next version."
        fi
    done
fi
for service in "${services[@]}"; do build "$service"; done
for service in "${services[@]}"; do
    if [ -n "$push" ]; then push "$(image_of "$service")"; else printf '%s\n' "$(image_of "$service")"; fi
done
