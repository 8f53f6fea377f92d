# The demo in a container, on a GPU host or without one:
#   docker build -t unet_demo .
#   docker run --rm -p 7860:7860 unet_demo               (with a GPU: add --gpus all)
# PyTorch brings its own CUDA: the host needs its driver and the NVIDIA container toolkit, no more.
FROM python:3.12-slim

# Hugging Face Spaces runs containers as user 1000, too.
RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/app

# By itself, so that a change of the code does not load PyTorch again.
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY weights weights
COPY unet_demo unet_demo
COPY app.py .

ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONUNBUFFERED=1
EXPOSE 7860
USER user

# Hosts such as Cloud Run name the port in PORT.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD python -c "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + (os.environ.get('PORT') or os.environ['GRADIO_SERVER_PORT']) + '/health', timeout=4)"

# As the first process of a container, Python heeds no SIGTERM unless it is told to.
STOPSIGNAL SIGINT
CMD ["sh", "-c", "GRADIO_SERVER_PORT=\"${PORT:-$GRADIO_SERVER_PORT}\" exec python app.py"]
