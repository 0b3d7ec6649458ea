# The page and its service: docker build -t alike . && docker run --rm -p 127.0.0.1:7860:7860 alike
FROM python:3.12-slim

WORKDIR /alike
COPY requirements.txt .

# As it stands, pip brings torch with everything for NVIDIA cards, 5 GB. Without one, name PyTorch's own index of wheels for CPUs:
# docker build --build-arg TORCH_INDEX=... takes torch and torchvision from there, both, since they have to fit each other.
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
        grep -E '^torch' requirements.txt > torch.txt && pip install --no-cache-dir --index-url "$TORCH_INDEX" -r torch.txt; \
    fi && pip install --no-cache-dir -r requirements.txt

COPY LICENSE app.py ./
COPY asen_core asen_core
COPY assets assets
COPY gallery_index gallery_index

# The program can't change itself. Uploads lie in /tmp until their visitor has left; reviewers' cases and saved searches lie in
# the folder that is made here, for which to keep them a volume can be mounted.
RUN useradd --create-home --uid 1000 alike && install -d -o alike -g alike /home/alike/.local/share/alike
USER alike

ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/gradio_api/startup-events', timeout=8)"]
CMD ["python", "app.py"]
