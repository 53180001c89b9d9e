# The operator and the agent that it sends into Pods, in one image. `docker build .`, or tests/cluster/operator-image.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
# The programs alone: what tests need is in tests/install-packages.
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
      ccache cmake g++ mold ninja-build \
      libboost-atomic-dev libboost-chrono-dev libboost-date-time-dev libboost-dev libboost-filesystem-dev \
      libboost-random-dev libboost-regex-dev libboost-system-dev libboost-thread-dev \
      libarchive-dev libcli11-dev libcpprest-dev libeigen3-dev libexpected-dev libsimdjson-dev libspdlog-dev libssl-dev \
      libyaml-cpp-dev nlohmann-json3-dev prometheus-cpp-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt ./
COPY cmake cmake
COPY operator operator
# /ccache outlives the build: after a change only what it touches is compiled.
RUN --mount=type=cache,id=reprise-ccache,target=/ccache \
    export CCACHE_DIR=/ccache CCACHE_MAXSIZE=1G CCACHE_COMPILERCHECK=content \
 && cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DREPRISE_TESTS=OFF \
 && cmake --build /build --target reprise-operator reprise-agent \
 && ccache --show-stats \
 && mkdir /out \
 && find /build -type f '(' -name reprise-operator -o -name reprise-agent ')' -exec install --strip {} /out ';' \
 && test -x /out/reprise-operator -a -x /out/reprise-agent \
 && rm -rf /build

FROM ${BASE}
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
      ca-certificates libcpprest2.10 libfmt9 libprometheus-cpp-core1.0 libsimdjson14 libspdlog1.10 libssl3 libyaml-cpp0.7 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/*
COPY --from=build /out/ /usr/local/bin/
# The agent runs in images of any kind: it may need no library at all. The operator finds all of its own here.
RUN ldd /usr/local/bin/reprise-operator > /tmp/needs && ! grep 'not found' /tmp/needs \
 && ! ldd /usr/local/bin/reprise-agent 2> /dev/null \
 && rm /tmp/needs
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/reprise-operator"]
