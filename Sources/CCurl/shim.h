#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, and macros besides: one function for each type of value.

static inline CURLcode gh_curl_set_number(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gh_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gh_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gh_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gh_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

typedef size_t (*gh_curl_receiver)(char *data, size_t size, size_t count, void *context);

static inline CURLcode gh_curl_set_receiver(CURL *handle, CURLoption option, gh_curl_receiver receiver) {
    return curl_easy_setopt(handle, option, receiver);
}

static inline CURLcode gh_curl_get_number(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

// Macros with casts, which Swift does not see.
static const long gh_curl_global_default = CURL_GLOBAL_DEFAULT;
static const long gh_curl_tls_1_2 = CURL_SSLVERSION_TLSv1_2;
static const long gh_curl_http_1_1 = CURL_HTTP_VERSION_1_1;

/* The socket of a CONNECT_ONLY transfer, -1 when there is none. */
static inline CURLcode gh_curl_get_socket(CURL *handle, long *socket) {
    curl_socket_t value = CURL_SOCKET_BAD;
    CURLcode result = curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &value);
    *socket = value;
    return result;
}
