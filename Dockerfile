# bridge's image: one static program, nothing else, no root.
#
#   docker build -t bridge .
#   docker run -v ./eu.yaml:/etc/bridge/bridge.yaml:ro bridge check

FROM golang:1.26 AS build
# Only for a build behind a module mirror: --build-arg GOPROXY=…
ARG GOPROXY
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=$VERSION" -o /image/bridge ./cmd/bridge
# What a program expects of its system: certificates to trust, and a directory for spill files.
RUN mkdir -p /image/etc/ssl/certs /image/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && chmod 1777 /image/tmp

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
ENV BRIDGE_CONFIG=/etc/bridge/bridge.yaml
EXPOSE 7420
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/bridge", "status"]
ENTRYPOINT ["/bridge"]
CMD ["run"]
