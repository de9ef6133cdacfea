# The image of profile openhands as one Dockerfile: the same steps one after the other, in the order of OpenHands' own template
# and in our words. So that the same image comes of it, versions and addresses are given, and what a step makes gets its owner
# and mode in that step.
ARG BASE
FROM ${BASE}
SHELL ["/bin/bash", "-c"]

ENV POETRY_VIRTUALENVS_PATH=/openhands/poetry \
    MAMBA_ROOT_PREFIX=/openhands/micromamba \
    LANG=C.UTF-8 LC_ALL=C.UTF-8 \
    EDITOR=code VISUAL=code GIT_EDITOR="code --wait" \
    OPENVSCODE_SERVER_ROOT=/openhands/.openvscode-server \
    PATH=/openhands/bin:/usr/bin:/bin:/usr/sbin:/sbin:$PATH

# dpkg does not wait for the disk after each file: the base images of Docker Hub have this setting, and the one of the
# benchmark has not.
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -qq update && \
    apt-get -qq install -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io \
      wget curl ca-certificates sudo apt-utils git jq tmux build-essential ripgrep ffmpeg coreutils util-linux procps findutils \
      grep sed bash passwd libasound2-plugins libatomic1 libgl1 apt-transport-https gnupg lsb-release && \
    apt-get clean && rm -rf /var/lib/apt/lists/*
RUN apt-get -qq update && \
    apt-get -qq install -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io \
      libnss3 libnspr4 libatk-bridge2.0-0 libdrm2 libxkbcommon0 libxcomposite1 libxdamage1 libxrandr2 libgbm1 libxss1 libasound2t64 && \
    apt-get clean && rm -rf /var/lib/apt/lists/*

# Docker Engine. The image keeps the repository's real address.
ARG DOCKER_KEY
ARG DOCKER_REPOSITORY
RUN install -m 0755 -d /etc/apt/keyrings && \
    curl -fsSL "${DOCKER_KEY}" -o /etc/apt/keyrings/docker.asc && chmod 644 /etc/apt/keyrings/docker.asc
RUN set -e; from="deb [arch=$(dpkg --print-architecture) signed-by=/etc/apt/keyrings/docker.asc]"; suite="$(. /etc/os-release && echo "$VERSION_CODENAME") stable"; \
    echo "$from ${DOCKER_REPOSITORY} $suite" > /etc/apt/sources.list.d/docker.list && \
    apt-get -qq update && \
    apt-get -qq install -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io \
      docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin && \
    apt-get clean && rm -rf /var/lib/apt/lists/* && \
    echo "$from https://download.docker.com/linux/debian $suite" > /etc/apt/sources.list.d/docker.list
RUN mkdir -p /etc/docker && echo '{"mtu": 1450}' > /etc/docker/daemon.json

# The user.
RUN set -e; for name in pn ubuntu; do \
      if [ "$(id -u $name 2>/dev/null)" = 1000 ]; then userdel $name; fi; \
      if [ "$(getent group $name | cut -d: -f3)" = 1000 ]; then groupdel $name; fi; \
    done; \
    groupadd -g 1000 openhands && useradd -m -N -l -s /bin/bash -u 1000 -g openhands openhands && usermod -aG sudo openhands && \
    echo 'openhands ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/openhands && chmod 0440 /etc/sudoers.d/openhands && \
    passwd -d openhands && passwd -d root
RUN sed -i -e '/pam_rootok\.so/d' -e '1i auth sufficient pam_rootok.so' /etc/pam.d/su
RUN mkdir -p /openhands/logs /openhands/poetry /openhands/workspace /openhands/code && chown -R openhands:openhands /openhands && \
    chmod g+rws,o+rw /openhands/workspace

# uv.
ARG UV
RUN install -d -o openhands -g openhands /openhands/bin && \
    curl -fsSL "${UV}" | tar -xz --strip-components 1 --no-same-owner -C /openhands/bin && chown openhands:openhands /openhands/bin/*

# micromamba and its environment.
ARG MICROMAMBA
ARG CONDA_FORGE
ARG PYTHON
RUN mkdir -p /openhands/micromamba/bin && \
    curl -fsSL "${MICROMAMBA}" -o /openhands/micromamba/bin/micromamba && chmod 755 /openhands/micromamba/bin/micromamba && \
    printf 'channels:\n  - conda-forge\n' > /openhands/micromamba/.condarc && chown -R openhands:openhands /openhands/micromamba
RUN HOME=/tmp/home /openhands/micromamba/bin/micromamba create -y -n openhands --override-channels -c "${CONDA_FORGE}" poetry "python=${PYTHON}" && \
    rm -rf /openhands/micromamba/pkgs /tmp/home && \
    find /openhands/micromamba -name __pycache__ -prune -exec rm -rf {} + && \
    chown -R openhands:openhands /openhands/micromamba && chmod -R go+rX-w /openhands/micromamba

# The editor.
ARG EDITOR_ARCHIVE
RUN mkdir /openhands/.openvscode-server && cd /openhands/.openvscode-server && \
    curl -fsSL "${EDITOR_ARCHIVE}" | tar -xz --strip-components 1 --no-same-owner && \
    cp bin/remote-cli/openvscode-server bin/remote-cli/code && \
    rm -rf extensions/{handlebars,pug,json,diff,grunt,ini,npm} && chown -R openhands:openhands .
RUN git config --global user.name openhands && git config --global user.email openhands@all-hands.dev && \
    install -o openhands -g openhands -m 0644 /root/.gitconfig /home/openhands/.gitconfig

# The dependencies. Poetry has no setting for a mirror: a plugin of ours gives it one.
COPY --chown=openhands:openhands pyproject.toml poetry.lock /openhands/code/
WORKDIR /openhands/code
USER openhands
ARG RTBUILD_MIRRORS
RUN --mount=from=poetry-mirror,target=/run/poetry-mirror \
    export PATH="/openhands/micromamba/envs/openhands/bin:$PATH" PYTHONPATH=/run/poetry-mirror PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 && \
    poetry env use /openhands/micromamba/envs/openhands/bin/python && \
    poetry install --only main,runtime --no-root --no-interaction && \
    rm -rf /home/openhands/.cache /home/openhands/.config /home/openhands/.local && \
    find /openhands/poetry -name __pycache__ -prune -exec rm -rf {} + && \
    find /openhands/micromamba -name __pycache__ -prune -exec rm -rf {} + && \
    chmod -R go+rX-w /openhands/poetry
USER root

# The browser.
ARG PLAYWRIGHT
RUN export PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers PLAYWRIGHT_DOWNLOAD_HOST="${PLAYWRIGHT}" PYTHONDONTWRITEBYTECODE=1 && \
    /openhands/poetry/*/bin/python -m playwright install chromium && \
    rm -rf /opt/playwright-browsers/.links && chmod -R 755 /opt/playwright-browsers && \
    mkdir -p /root/.cache /home/openhands/.cache && \
    ln -s /opt/playwright-browsers /root/.cache/ms-playwright && ln -s /opt/playwright-browsers /home/openhands/.cache/ms-playwright && \
    chown -h openhands:openhands /home/openhands/.cache /home/openhands/.cache/ms-playwright

# What shells start with.
RUN set -e; { env | grep -E '^(PATH|POETRY_VIRTUALENVS_PATH|MAMBA_ROOT_PREFIX|LANG|LC_ALL|EDITOR|VISUAL|GIT_EDITOR|OPENVSCODE_SERVER_ROOT)='; \
      echo PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers; \
      echo "OH_INTERPRETER_PATH=$(echo /openhands/poetry/*/bin/python)"; } > /etc/environment; \
    for file in /etc/bash.bashrc /root/.bashrc /home/openhands/.bashrc; do \
      touch $file; \
      { echo 'export PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers'; \
        echo 'export PATH="/openhands/bin:/usr/bin:/bin:/usr/sbin:/sbin:/openhands/micromamba/bin:$PATH"'; \
        echo 'eval "$(/openhands/micromamba/bin/micromamba shell hook --shell bash)"'; \
        echo 'micromamba activate openhands 2>/dev/null || true'; cat $file; } > /tmp/start && cat /tmp/start > $file; \
    done; \
    rm /tmp/start; chown openhands:openhands /home/openhands/.bashrc

# The source.
COPY --chown=openhands:openhands --exclude=**/*.md openhands /openhands/code/openhands
COPY --chown=openhands:openhands skills /openhands/code/skills
RUN chmod a+rwx /openhands/code/openhands/__init__.py
RUN cp -r openhands/runtime/utils/vscode-extensions/hello-world /openhands/.openvscode-server/extensions/openhands-hello-world && \
    cp -r openhands/runtime/utils/vscode-extensions/memory-monitor /openhands/.openvscode-server/extensions/openhands-memory-monitor && \
    chown -R openhands:openhands /openhands/.openvscode-server/extensions/openhands-*
