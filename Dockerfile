# The image of every Airflow service of docker-compose.yml. Same steps as the launcher (candlewick.local.bootstrap): the
# pinned uv, one virtualenv for Airflow, one for dbt, each exactly its requirements file; a test compares the two.

# --- build: compilers and headers stay in this stage -------------------------------------------------------------------
FROM python:3.11.13-slim-bookworm AS build

# mysqlclient publishes no wheels; it is compiled here.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*

ARG UV_VERSION=0.13.8
# Download caches would only be carried along in the layer.
ENV UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/candlewick/venvs/tools \
    && /opt/candlewick/venvs/tools/bin/pip install --quiet "uv==${UV_VERSION}"
ENV PATH=/opt/candlewick/venvs/tools/bin:$PATH

WORKDIR /opt/candlewick/app

# Requirements come before sources: a changed DAG does not install Airflow again.
COPY requirements.txt ./
RUN uv venv --python /usr/local/bin/python /opt/candlewick/venvs/airflow \
    && uv pip sync --python /opt/candlewick/venvs/airflow/bin/python --compile-bytecode \
       --build-constraints requirements.txt requirements.txt

COPY dbt_project/requirements.txt dbt_project/
RUN uv venv --python /usr/local/bin/python /opt/candlewick/venvs/dbt \
    && uv pip sync --python /opt/candlewick/venvs/dbt/bin/python --compile-bytecode \
       --build-constraints requirements.txt dbt_project/requirements.txt

# Editable, as on a developer's machine: the package finds dbt_project/ beside itself.
COPY pyproject.toml ./
COPY include include
RUN uv pip install --python /opt/candlewick/venvs/airflow/bin/python --no-deps --no-build-isolation -e .

# --- run ---------------------------------------------------------------------------------------------------------------
FROM python:3.11.13-slim-bookworm

# libmariadb3 is what the compiled mysqlclient loads; the client saves and restores the warehouse (mariadb-dump), and is
# for people: docker compose exec … mariadb.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmariadb3 mariadb-client \
    && rm -rf /var/lib/apt/lists/*

# Group 0 owns what is written, so that a platform that picks its own user id (OpenShift) can run the image as well.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/candlewick/airflow --shell /usr/sbin/nologin candlewick \
    && install -d -o candlewick -g 0 -m 0775 /opt/candlewick/airflow /var/lib/candlewick /var/log/candlewick

COPY --from=build /opt/candlewick/venvs/airflow /opt/candlewick/venvs/airflow
COPY --from=build /opt/candlewick/venvs/dbt /opt/candlewick/venvs/dbt
WORKDIR /opt/candlewick/app
COPY pyproject.toml ./
COPY include include
COPY dags dags
COPY plugins plugins
COPY dbt_project dbt_project

# Paths only: what differs from deployment to deployment stands in docker-compose.yml.
ENV PATH=/opt/candlewick/venvs/airflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/candlewick/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/candlewick/app/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/candlewick/app/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/candlewick \
    CANDLEWICK_HOME=/var/lib/candlewick \
    CANDLEWICK_DBT_EXECUTABLE=/opt/candlewick/venvs/dbt/bin/dbt

USER 50000:0
CMD ["airflow", "version"]
