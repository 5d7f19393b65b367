# The one tool the installing steps need, beside every base and inside none of them.
FROM scratch
COPY uv /uv
